-- What the successful attempts staged: rows, and nulls by column.
SELECT count(*), {nulls} FROM {staging} WHERE {chosen}
