-- Resume tickets, second factors, staff, the identity of a claim, and networks that limits spare.

-- Resume tickets of an earlier generation are refused; only ever raise it.
ALTER TABLE account ADD COLUMN ticket_generation INTEGER NOT NULL DEFAULT 0;
-- Sealed secret of the second factor, base64; empty: none.
ALTER TABLE account ADD COLUMN totp_secret TEXT NOT NULL DEFAULT ''
  CHECK (length(totp_secret) <= 255);
-- Time step of the last code that was used; none up to it is taken again.
ALTER TABLE account ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
-- 1: may enter a game server in maintenance.
ALTER TABLE account ADD COLUMN staff INTEGER NOT NULL DEFAULT 0 CHECK (staff IN (0, 1));
-- 16 random bytes each of the last four claims, newest first.
ALTER TABLE account ADD COLUMN session_claim BLOB NOT NULL DEFAULT x''
  CHECK (length(session_claim) <= 64);
-- Who is online although banned or closed.
CREATE INDEX account_status ON account (status, session_gate) WHERE session_gate <> '';

-- Networks that bans and limits do not touch; written by ops, read at start and on SIGHUP.
CREATE TABLE address_allow (
  -- Address or network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32.
  network TEXT PRIMARY KEY NOT NULL CHECK (length(network) BETWEEN 1 AND 49),
  -- For ops: whose network this is.
  note TEXT NOT NULL DEFAULT '' CHECK (length(note) <= 255),
  created_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
