"""The test worker: runs a repository's tests under its own interpreter and streams the results.

Standard library only, Python 3.8 or newer, started as `python tools/worker` in the sandbox and
spoken to through its stdin and stdout in JSON lines. The process that reads the commands (the
zygote) never imports a module of the repository: every run happens in a fork of it, so that
nothing that a test leaves behind can reach the next run.

Commands, one a line: the settings first (`zygote.Settings`), then any number of
`{"do": "run", …}` (`zygote.Zygote.run`) and `{"do": "preload", "modules": […]}`.

Replies carry one byte in front that a test cannot forge, for only the zygote holds the pipe:
`c` for a line of the forked child, passed on as it came, `z` for one of the zygote itself.
"""
