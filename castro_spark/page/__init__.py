"""The web page (`dashboard`): what PostgreSQL and Redis hold, for a manager and for an operator. It reads only.

    app.py        the application: middleware, routes, what is served when PostgreSQL is away
    page.py       what a page is: a path, a title, a question to one snapshot, a template
    pages/        the pages, one module each, with a template of the same name and its statements in sql/page
    database.py   read-only sessions; one snapshot a page
    render.py     templates; language.py, formats.py: words, numbers and times as each language has them
    live.py       server-sent events that say only that something is new; the browser then asks again
    security.py   headers, hosts and origins; auth.py: who may see it

To add a page: its module in pages/, named in pages/__init__.py; its template; its statements; its words in locale/.
"""
