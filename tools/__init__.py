"""How a repository is touched: the gateway, the tools behind it, the workspace and the sandbox."""
