-- What a shop knows of its users.
ALTER TABLE {users}
    ADD COLUMN gender text,
    ADD COLUMN age bigint CHECK (age BETWEEN 0 AND 150),
    ADD COLUMN age_group text,
    ADD COLUMN region text,
    ADD COLUMN join_date date;
