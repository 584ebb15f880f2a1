"""The page that `dvc plots show` and `dvc plots diff` fill, with the scripts in it that draw the plots.

DVC's own page fetches them from the internet, and shows nothing where there is none.

    python -m overcast.evaluation.dvc_plots .dvc/plots.html
"""

from __future__ import annotations

import sys
from pathlib import Path

from overcast.core.atomic import whole_file

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<link rel="icon" href="data:,">
<title>plots – overcast</title>
<style>
  body { margin: 1.5rem; color: #222; background: #fff; font: 14px/1.5 system-ui, sans-serif; }
  img { max-width: 100%; }
</style>
<script>SCRIPTS</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""
"""In braces what DVC fills in; it adds its own scripts only where there is a place for them."""

VEGA_LITE = "5."
"""The Vega-Lite that DVC's plots are written for."""


def page() -> str:
    """The page's text: Vega, Vega-Lite and Vega-Embed are written into it (0.9 MB)."""
    import vl_convert

    version = [each for each in vl_convert.get_vegalite_versions() if each.startswith(VEGA_LITE)][-1]
    scripts = vl_convert.javascript_bundle(snippet="window.vegaEmbed = vegaEmbed;", vl_version=version)
    return PAGE.replace("SCRIPTS", scripts.replace("</script", r"<\/script"))


if __name__ == "__main__":
    whole_file(Path(sys.argv[1]), page())
