-- What our own consumers keep beside the rows: the offsets, moved in each batch's transaction, and the unusable records.
CREATE TABLE consumer_offset (partition int PRIMARY KEY, next_offset bigint NOT NULL);
CREATE TABLE consumer_reject (
    partition int NOT NULL, "offset" bigint NOT NULL, value bytea, reason text NOT NULL, PRIMARY KEY (partition, "offset")
);
