-- A service's role has rights in its own schema alone. What writes its events does so with the outbox's owner's rights.

ALTER FUNCTION {epoch}() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION {first_version}() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION {emit}(text, text[], bigint[], json[]) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION {emit}(text, text, bigint, json) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
