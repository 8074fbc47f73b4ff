SELECT product_code FROM castro.touched WHERE stream = {stream} AND revision > {revision}
