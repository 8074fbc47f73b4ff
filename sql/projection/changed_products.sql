-- Whatever a commit changed of a product, it changed in some month, however old.
SELECT product_code FROM {monthly} WHERE revision > {revision}
UNION
SELECT product_code FROM castro.emptied WHERE stream = {stream} AND revision > {revision}
