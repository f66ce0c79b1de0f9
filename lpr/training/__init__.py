"""How the recogniser of our own came to be: data, renderer, net, training, export.

Nothing here runs at a gate. Only this room needs torch (the extra `train`), and only its modules
`net`, `learning` and `export` import it.
"""
