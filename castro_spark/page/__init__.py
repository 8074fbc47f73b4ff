"""The web page (`dashboard`): what PostgreSQL and Redis hold, for a manager and for an operator. It reads only.

    page.py    what a page is: a path, a title, a question to one snapshot, a template
    pages/     the pages, one module each, with a template of the same name and its statements in sql/page
    product/   what the pages of products read and show
    figures/   figures that several pages show
    reading/   read-only sessions, one snapshot a page; health, lag, and why something cannot be told
    words/     each language's words, numbers and times
    web/       the application: who may see it, headers and origins, templates, forms, live updates

To add a page: its module in pages/, named in pages/__init__.py; its template; its statements; its words in locale/.
"""
