-- How a client came that logged in. Repeatable as 0002 is: what is there already is left alone.

SET @columns = (SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'login_audit' AND column_name = 'transport');
SET @change = IF(@columns > 0, 'DO 0', '
ALTER TABLE login_audit
  ADD COLUMN transport VARCHAR(16) NOT NULL DEFAULT ''''
    COMMENT ''tcp, tls, ws, wss; empty: not noted'',
  ADD COLUMN tls VARCHAR(64) NOT NULL DEFAULT ''''
    COMMENT ''version and cipher, also of a proxy that ends TLS; empty: none'',
  ADD COLUMN proxy VARCHAR(64) NOT NULL DEFAULT ''''
    COMMENT ''address of the proxy that the client came through; empty: none''');
PREPARE gatehouse_change FROM @change;
EXECUTE gatehouse_change;
DEALLOCATE PREPARE gatehouse_change;
