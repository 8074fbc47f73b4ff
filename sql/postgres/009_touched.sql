-- The commit that touched a product last, by stream: what a follower of the commits must look at again. One row a
-- product, so it does not grow with time.
CREATE TABLE castro.touched (
    stream       text NOT NULL,
    product_code text COLLATE "C" NOT NULL,
    revision     bigint NOT NULL,
    PRIMARY KEY (stream, product_code)
) WITH (fillfactor = 50);
