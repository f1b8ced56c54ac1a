-- What bounds the accounts of markets too is no longer called after suppliers.
UPDATE {system_config} SET key = 'sync.accounts_max' WHERE key = 'sync.suppliers_max';
UPDATE {system_config_history} SET key = 'sync.accounts_max' WHERE key = 'sync.suppliers_max';
