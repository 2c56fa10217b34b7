-- How a client came that logged in.

-- tcp, tls, ws, wss; empty: not noted.
ALTER TABLE login_audit ADD COLUMN transport TEXT NOT NULL DEFAULT ''
  CHECK (length(transport) <= 16);
-- Version and cipher, also of a proxy that ends TLS; empty: none.
ALTER TABLE login_audit ADD COLUMN tls TEXT NOT NULL DEFAULT '' CHECK (length(tls) <= 64);
-- Address of the proxy that the client came through; empty: none.
ALTER TABLE login_audit ADD COLUMN proxy TEXT NOT NULL DEFAULT '' CHECK (length(proxy) <= 64);
