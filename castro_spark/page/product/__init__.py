"""One product: found by code or description, and all that is known of it. Readers over one snapshot, without HTML.

search.py     which product is meant
view.py       its row of the 360° view
series.py     its days and months, made whole for a plot
events.py     its newest events of every stream
cached.py     what Redis holds of it, beside what it must hold
glossary.py   what each of these numbers means, in the page's languages (glossary.yaml)
"""
