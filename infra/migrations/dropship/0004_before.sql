-- Makes room for the outbox that every database has now.
CREATE TEMPORARY TABLE outbox_before ON COMMIT DROP AS SELECT * FROM {outbox};
DROP TABLE {outbox}, {outbox_cursors}, {outbox_relays};
