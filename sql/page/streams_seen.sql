-- Each stream that ever committed, with its last commit.
SELECT stream, revision, updated_at FROM castro.stream ORDER BY stream
