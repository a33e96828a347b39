"""Colours: dark, light, and one of high contrast; Textual's own and the ANSI ones come besides."""

from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="locum",
    primary="#5fb3b3",
    secondary="#6699cc",
    accent="#fac863",
    warning="#f9ae57",
    error="#ec5f67",
    success="#99c794",
    foreground="#d8dee9",
    background="#14191f",
    surface="#1a2129",
    panel="#232c36",
    dark=True,
)
LIGHT = Theme(
    name="locum-light",
    primary="#1f6f78",
    secondary="#3a5f9e",
    accent="#8a5a00",
    warning="#9a5b00",
    error="#b3202c",
    success="#2d7a34",
    foreground="#1d252c",
    background="#fbfbf8",
    surface="#f3f3ee",
    panel="#e6e6df",
    dark=False,
)
HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00ffff",
    secondary="#7fb2ff",
    accent="#ffff00",
    warning="#ffd000",
    error="#ff6b6b",
    success="#00ff7f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    text_alpha=1.0,
    variables={
        "muted": "#e0e0e0",
        "faint": "#b8b8b8",
        "footer-key-foreground": "#ffff00",
        "success-muted": "#004d26",
        "error-muted": "#5c0000",
    },
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST)
ANSI = "ansi-dark"
"""Textual's theme of the terminal's own sixteen colours."""
PLAIN = {"muted": "#9a9a9a", "faint": "#6a6a6a", "cursor-style": "bold"}
OWN_COLOURS = {
    "muted": "ansi_bright_black",
    "faint": "ansi_bright_black",
    # There is no shade between two of the terminal's own colours.
    "cursor-style": "bold underline",
}


def quiet_colours(theme: Theme) -> dict[str, str]:
    """`$muted` and `$faint` for what matters less, where a theme has none of its own, and
    `$cursor-style` for the line under the cursor.
    """
    if theme.ansi or theme.foreground is None or theme.background is None:
        return OWN_COLOURS if theme.ansi else PLAIN
    back, front = Color.parse(theme.background), Color.parse(theme.foreground)
    shades = {"muted": back.blend(front, 0.65).hex, "faint": back.blend(front, 0.35).hex}
    return {**PLAIN, **shades}
