"""Make gateway_sim/gates/fonts/PlateGlyphs-Regular.otf: the characters of plates, and no others.

A one-off. It needs fonttools and Debian's package fonts-noto-cjk, neither of which the project
depends on:

    python -m venv /tmp/fonttools && /tmp/fonttools/bin/pip install fonttools
    /tmp/fonttools/bin/python tools/make_plate_font.py
"""

import argparse
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection

SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
TARGET = Path(__file__).parent.parent / "gateway_sim/gates/fonts/PlateGlyphs-Regular.otf"
SIMPLIFIED_CHINESE = "Noto Sans CJK SC"
FULL_NAME = 4
FAMILY_NAMES = {1: "Plate Glyphs", 3: "PlateGlyphs-Regular;subset", 4: "Plate Glyphs Regular"}
FAMILY_NAMES |= {6: "PlateGlyphs-Regular", 16: "Plate Glyphs"}
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
SUFFIXES = "警学挂港澳领使试超应急"
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def main() -> None:
    """Subset, rename (a modified version of an OFL font takes a name of its own), write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    collection = TTCollection(arguments.source)
    font = next(
        face
        for face in collection.fonts
        if face["name"].getDebugName(FULL_NAME) == SIMPLIFIED_CHINESE
    )
    options = Options()
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16]
    options.hinting = False
    options.desubroutinize = True
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx", "GPOS", "GSUB", "GDEF", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(text=PROVINCES + SUFFIXES + LATIN)
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in FAMILY_NAMES:
            record.string = FAMILY_NAMES[record.nameID]
    cff = font["CFF "].cff
    cff.fontNames[0] = FAMILY_NAMES[6]
    cff.topDictIndex[0].FullName = FAMILY_NAMES[4]
    cff.topDictIndex[0].FamilyName = FAMILY_NAMES[1]
    font.save(arguments.target)


if __name__ == "__main__":
    main()
