"""The page on the control port: what a person clicks.

It is a client of the control API like any other: it reads and steers through the same calls, in this process,
and knows neither store nor services. Nothing here is loaded before somebody asks for a page.
"""
