"""Names of files that belong to an image, by a pattern such as `{name}x{scale}`."""

from sr.errors import InputError


def filled(pattern: str, name: str, scale: float, key: str = "lr_pattern") -> str:
    """The pattern for one image: `{name}x{scale}` is babyx4 for baby at x4. Without extension; it may contain folders.

    Raises:
        InputError: no {name} in it, or other braces. `key` names the option.
    """
    text = str(pattern).replace("{scale}", f"{scale:g}")
    if "{name}" not in text or set("{}") & set(text.replace("{name}", "")):
        raise InputError(
            f"{key}={pattern}: pass a pattern with {{name}}, and {{scale}} where it is in the names: {{name}}x{{scale}}"
        )
    return text.replace("{name}", name)
