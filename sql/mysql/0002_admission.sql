-- Resume tickets, second factors, staff, the identity of a claim, and networks that limits spare.
--
-- Columns and index arrive by one ALTER TABLE, which the database does whole or not at all
-- (InnoDB from MariaDB 10.6 and MySQL 8.0 on, TiDB from 6.2 on). A run that ended after it, before
-- the migration was recorded, is repeated: then the columns are there, and the statement that is
-- prepared does nothing. (`ADD COLUMN IF NOT EXISTS` is MariaDB's alone.)

CREATE TABLE IF NOT EXISTS address_allow (
  network VARCHAR(49) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'address or network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32',
  note VARCHAR(255) NOT NULL DEFAULT ''
    COMMENT 'for ops: whose network this is',
  created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
    COMMENT 'UTC',
  PRIMARY KEY (network)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'networks that bans and limits do not touch; written by ops, read at start and on SIGHUP';

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'account' AND column_name = 'session_claim');

SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE account
  ADD COLUMN ticket_generation BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT ''resume tickets of an earlier generation are refused; only ever raise it'',
  ADD COLUMN totp_secret VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''''
    COMMENT ''sealed secret of the second factor, base64; empty: none'',
  ADD COLUMN totp_step BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT ''time step of the last code that was used; none up to it is taken again'',
  ADD COLUMN staff BOOLEAN NOT NULL DEFAULT FALSE
    COMMENT ''1: may enter a game server in maintenance'',
  ADD COLUMN session_claim VARBINARY(64) NOT NULL DEFAULT ''''
    COMMENT ''16 random bytes each of the last four claims, newest first'',
  ADD KEY account_status (status, session_gate)');

PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;
