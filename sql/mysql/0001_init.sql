-- gatehouse tables, for MariaDB 10.6 or later and MySQL 8.0 or later. sql/README.md explains
-- them. Every DATETIME is UTC.
--
-- Names of players are compared byte by byte. The *_bin collations do not do that alone: they
-- take "a" and "a " for the same word. So the unique key is on account.name_key, the bytes of
-- the name in a VARBINARY, which the database computes itself.

CREATE TABLE IF NOT EXISTS account (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT
    COMMENT 'number of the account, never used again',
  name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
    COMMENT 'what the player types; 1 to 64 characters',
  name_key VARBINARY(256) GENERATED ALWAYS AS (CAST(name AS BINARY)) STORED
    COMMENT 'computed: the bytes of name; unique; look accounts up by it',
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'self-describing ($argon2id$..., $2b$..., $y$...); empty: no password works',
  status ENUM('active', 'banned', 'closed') NOT NULL DEFAULT 'active'
    COMMENT 'banned: until banned_until; closed: no login, data kept',
  banned_until DATETIME NULL
    COMMENT 'UTC; NULL: for ever. Counts only when status is banned',
  ban_reason VARCHAR(255) NOT NULL DEFAULT ''
    COMMENT 'for ops; not shown to the player',
  created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
    COMMENT 'UTC',
  last_login_at DATETIME NULL
    COMMENT 'UTC; NULL: never',
  last_login_addr VARCHAR(64) NOT NULL DEFAULT ''
    COMMENT 'address of the client at the last login',
  session_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'raised by every login; never lower it',
  session_gate VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''
    COMMENT 'gate that holds the session; empty: offline',
  session_server VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''
    COMMENT 'game server of the session',
  session_subid VARBINARY(255) NOT NULL DEFAULT ''
    COMMENT 'sub-id of the session, part of the gate handshake',
  PRIMARY KEY (id),
  UNIQUE KEY account_name (name_key),
  KEY account_by_name (name),
  KEY account_online (session_gate),
  CONSTRAINT account_name_length CHECK (CHAR_LENGTH(name) >= 1)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'one row a player account';

CREATE TABLE IF NOT EXISTS login_audit (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  at DATETIME NOT NULL
    COMMENT 'UTC',
  name VARCHAR(64) NOT NULL
    COMMENT 'user name as the client gave it',
  account BIGINT UNSIGNED NULL
    COMMENT 'account.id; NULL: no such account',
  server VARCHAR(64) NOT NULL
    COMMENT 'game server asked for',
  address VARCHAR(64) NOT NULL
    COMMENT 'address of the client',
  suite VARCHAR(16) NOT NULL
    COMMENT 'key exchange: skynet, plain, x25519',
  result VARCHAR(32) NOT NULL
    COMMENT 'code of the answer: 200, 401, 403, ...',
  PRIMARY KEY (id),
  KEY login_audit_at (at),
  KEY login_audit_account (account, at),
  KEY login_audit_address (address, at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'one row a login attempt; the server only appends, ops may delete old rows';

CREATE TABLE IF NOT EXISTS address_ban (
  network VARCHAR(49) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
    COMMENT 'address or network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32',
  banned_until DATETIME NULL
    COMMENT 'UTC; NULL: for ever',
  reason VARCHAR(255) NOT NULL DEFAULT '',
  created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
    COMMENT 'UTC',
  PRIMARY KEY (network)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'addresses that may not log in; written by ops, read at start and on SIGHUP';

CREATE TABLE IF NOT EXISTS game_server (
  name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
    COMMENT 'name in the token; no blank at either end',
  state ENUM('open', 'closed', 'maintenance') NOT NULL DEFAULT 'open'
    COMMENT 'closed and maintenance: logins get 403',
  capacity INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'players at once; 0: no limit',
  PRIMARY KEY (name),
  CONSTRAINT game_server_name
    CHECK (CHAR_LENGTH(name) >= 1 AND CHAR_LENGTH(name) = CHAR_LENGTH(TRIM(name)))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'game servers that ops open and close';

CREATE TABLE IF NOT EXISTS gate (
  name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
    COMMENT 'name of the gate, as in account.session_gate',
  server VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
    COMMENT 'game server it serves',
  node VARCHAR(64) NOT NULL
    COMMENT 'process that runs it',
  endpoint VARCHAR(255) NOT NULL
    COMMENT 'host:port that clients are told',
  epoch BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'raised by every process that takes the name over',
  state ENUM('up', 'draining') NOT NULL DEFAULT 'up'
    COMMENT 'draining: gets no new player',
  players INT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'players it held at the last renewal',
  lease_until DATETIME(3) NOT NULL
    COMMENT 'UTC, clock of the database; once past, the gate is gone',
  PRIMARY KEY (name),
  KEY gate_server (server, lease_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'leases of gates when several nodes share this database';

CREATE TABLE IF NOT EXISTS player_data (
  account BIGINT UNSIGNED NOT NULL
    COMMENT 'account.id',
  server VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
    COMMENT 'game server',
  epoch BIGINT UNSIGNED NOT NULL
    COMMENT 'session that may write this row; never lower it',
  version BIGINT UNSIGNED NOT NULL DEFAULT 0
    COMMENT 'counts saves',
  data MEDIUMBLOB NULL
    COMMENT 'what the game saved, at most 8 MiB; NULL: never saved',
  replies MEDIUMBLOB NULL
    COMMENT 'replies committed together with data',
  updated_at DATETIME NULL
    COMMENT 'UTC; NULL: never saved',
  PRIMARY KEY (account, server),
  CONSTRAINT player_data_account FOREIGN KEY (account) REFERENCES account (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  COMMENT = 'one row a player of a game server';
