-- Fields of `data` that no declaration knows: the source's schema drifts. Told once by `status`.
CREATE TABLE castro.unknown_field (
    stream      text NOT NULL,
    name        text NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    reported_at timestamptz,
    PRIMARY KEY (stream, name)
);
