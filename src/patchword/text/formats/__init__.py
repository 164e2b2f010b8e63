"""Translators' own formats: TMX, PO and MO, XLIFF; read as pairs, and filled with translations."""
