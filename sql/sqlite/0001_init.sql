-- gatehouse tables, for SQLite 3.37 or later. sql/README.md explains them; sql/mysql has the
-- same tables with the same columns. Every time is a Unix time in seconds, UTC:
-- SELECT name, datetime(last_login_at, 'unixepoch') FROM account;

-- One row a player account.
CREATE TABLE account (
  -- Number of the account, never used again.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- What the player types, 1 to 64 characters; compared byte by byte.
  name TEXT NOT NULL COLLATE BINARY UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
  -- Self-describing ($argon2id$..., $2b$..., $y$...); empty: no password works.
  password_hash TEXT NOT NULL CHECK (length(password_hash) <= 255),
  -- banned: until banned_until; closed: no login, data kept.
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'banned', 'closed')),
  -- NULL: for ever. Counts only when status is banned.
  banned_until INTEGER,
  -- For ops; not shown to the player.
  ban_reason TEXT NOT NULL DEFAULT '' CHECK (length(ban_reason) <= 255),
  created_at INTEGER NOT NULL DEFAULT (unixepoch()),
  -- NULL: never.
  last_login_at INTEGER,
  -- Address of the client at the last login.
  last_login_addr TEXT NOT NULL DEFAULT '' CHECK (length(last_login_addr) <= 64),
  -- Raised by every login; never lower it.
  session_epoch INTEGER NOT NULL DEFAULT 0,
  -- Gate that holds the session; empty: offline.
  session_gate TEXT NOT NULL DEFAULT '' CHECK (length(session_gate) <= 64),
  -- Game server of the session.
  session_server TEXT NOT NULL DEFAULT '' CHECK (length(session_server) <= 64),
  -- Sub-id of the session, part of the gate handshake.
  session_subid BLOB NOT NULL DEFAULT x'' CHECK (length(session_subid) <= 255)
) STRICT;
CREATE INDEX account_online ON account (session_gate) WHERE session_gate <> '';

-- One row a login attempt; the server only appends, ops may delete old rows.
CREATE TABLE login_audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  -- User name as the client gave it.
  name TEXT NOT NULL CHECK (length(name) <= 64),
  -- account.id; NULL: no such account.
  account INTEGER,
  -- Game server asked for.
  server TEXT NOT NULL CHECK (length(server) <= 64),
  -- Address of the client.
  address TEXT NOT NULL CHECK (length(address) <= 64),
  -- Key exchange: skynet, plain, x25519.
  suite TEXT NOT NULL CHECK (length(suite) <= 16),
  -- Code of the answer: 200, 401, 403, ...
  result TEXT NOT NULL CHECK (length(result) <= 32)
) STRICT;
CREATE INDEX login_audit_at ON login_audit (at);
CREATE INDEX login_audit_account ON login_audit (account, at);
CREATE INDEX login_audit_address ON login_audit (address, at);

-- Addresses that may not log in; written by ops, read at start and on SIGHUP.
CREATE TABLE address_ban (
  -- Address or network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32.
  network TEXT PRIMARY KEY NOT NULL CHECK (length(network) BETWEEN 1 AND 49),
  -- NULL: for ever.
  banned_until INTEGER,
  reason TEXT NOT NULL DEFAULT '' CHECK (length(reason) <= 255),
  created_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;

-- Game servers that ops open and close.
CREATE TABLE game_server (
  -- Name in the token; no blank at either end.
  name TEXT PRIMARY KEY NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name = trim(name)),
  -- closed and maintenance: logins get 403.
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'maintenance')),
  -- Players at once; 0: no limit.
  capacity INTEGER NOT NULL DEFAULT 0 CHECK (capacity >= 0)
) STRICT;

-- Leases of gates when several nodes share a database; unused with SQLite, which serves one.
CREATE TABLE gate (
  -- Name of the gate, as in account.session_gate.
  name TEXT PRIMARY KEY NOT NULL,
  -- Game server it serves.
  server TEXT NOT NULL,
  -- Process that runs it.
  node TEXT NOT NULL,
  -- host:port that clients are told.
  endpoint TEXT NOT NULL,
  -- Raised by every process that takes the name over.
  epoch INTEGER NOT NULL DEFAULT 0,
  -- draining: gets no new player.
  state TEXT NOT NULL DEFAULT 'up' CHECK (state IN ('up', 'draining')),
  -- Players it held at the last renewal.
  players INTEGER NOT NULL DEFAULT 0,
  -- Unix time in seconds with a fraction; once past, the gate is gone.
  lease_until REAL NOT NULL
) STRICT;

-- One row a player of a game server.
CREATE TABLE player_data (
  -- account.id
  account INTEGER NOT NULL REFERENCES account (id),
  -- Game server.
  server TEXT NOT NULL CHECK (length(server) BETWEEN 1 AND 64),
  -- Session that may write this row; never lower it.
  epoch INTEGER NOT NULL,
  -- Counts saves.
  version INTEGER NOT NULL DEFAULT 0,
  -- What the game saved, at most 8 MiB; NULL: never saved.
  data BLOB,
  -- Replies committed together with data.
  replies BLOB,
  -- NULL: never saved.
  updated_at INTEGER,
  PRIMARY KEY (account, server)
) STRICT;
