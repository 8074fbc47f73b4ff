"""Critical products: rules over measured products, their episodes, and the task that each episode causes once."""
