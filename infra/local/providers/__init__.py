"""Provider plugins for machines where the published ones can't be had; each acts on something real."""
