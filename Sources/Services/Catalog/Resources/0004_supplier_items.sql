-- The version of the supplier's item that a product stands on: what is older changes nothing.
ALTER TABLE {products} ADD COLUMN supplier_version bigint;

-- Versions of another item say nothing of this one's.
CREATE FUNCTION {forget_supplier_version}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.supplier_version := NULL;
    RETURN NEW;
END
$$;

CREATE TRIGGER forget_supplier_version BEFORE UPDATE ON {products} FOR EACH ROW
    WHEN (OLD.supplier_item_id IS DISTINCT FROM NEW.supplier_item_id
        AND OLD.supplier_version IS NOT DISTINCT FROM NEW.supplier_version)
    EXECUTE FUNCTION {forget_supplier_version}();
