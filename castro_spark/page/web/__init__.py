"""The site: what is asked and answered, who may ask, live updates, forms."""
