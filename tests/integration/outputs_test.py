#!/usr/bin/env python3
"""What is written for a picture: kinds, names, formats and sizes, as the options say."""
import json
import os
import pathlib
import shutil

from PIL import Image

from millrace_testing import TestCase, files_below, jpeg, main

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


def picture(path, size=(60, 40), **options):
    """A picture whose left half has a skin's colour."""
    image = Image.new("RGB", size, (30, 60, 200))
    image.paste((224, 172, 140), (0, 0, size[0] // 2, size[1]))
    image.save(path, **options)


class Outputs(TestCase):
    def run_with(self, **options):
        sets = []
        for name, value in options.items():
            sets += ["--set", f"{name.replace('__', '.options.')}={value}"]
        self.run_demo(*sets)

    def opened(self, name):
        image = Image.open(self.out / name)
        image.load()
        return image

    def assert_written(self, *names):
        self.assertEqual(files_below(self.out), {os.fsencode(name) for name in names})

    def test_each_kind_has_a_name_of_its_own(self):
        picture(self.photos / "a.jpg")
        picture(self.photos / "b.png")
        self.run_with(postprocess__what="[masked,mask,labels,overlay]")
        kinds = ("masked.jpg", "mask.png", "labels.png", "overlay.jpg")
        self.assert_written(
            *(f"a.jpg.{kind}" for kind in kinds), *(f"b.png.{k[:-3]}png" for k in kinds))
        mask, labels = self.opened("a.jpg.mask.png"), self.opened("a.jpg.labels.png")
        self.assertEqual((mask.mode, mask.size, labels.mode), ("L", (64, 64), "P"))
        self.assertEqual({value for _, value in mask.getcolors()}, {0, 255})
        # The mask is the skin: the left half.
        self.assertEqual((mask.getpixel((10, 32)), mask.getpixel((50, 32))), (255, 0))
        self.assertNotEqual(labels.getpixel((10, 32)), labels.getpixel((50, 32)))
        masked, overlay = self.opened("b.png.masked.png"), self.opened("b.png.overlay.png")
        self.assertEqual(masked.getpixel((50, 32)), (0, 0, 0))
        self.assertNotEqual(overlay.getpixel((50, 32)), (0, 0, 0))

    def test_a_mask_alone_is_a_png_whatever_the_input_was(self):
        picture(self.photos / "a.jpg")
        self.run_with(postprocess__what="mask")
        self.assert_written("a.jpg.png")

    def test_other_formats_append_their_suffix(self):
        picture(self.photos / "a.png")
        sizes = {}
        for format, suffix, quality in (("jpg", "jpg", 20), ("jpg", "jpg", 95), ("webp", "webp", 75)):
            self.run_with(postprocess__format=format, postprocess__quality=quality)
            self.assertIn(f"a.png.{suffix}".encode(), files_below(self.out))
            sizes[quality] = (self.out / f"a.png.{suffix}").stat().st_size
        self.assertEqual(self.opened("a.png.webp").format, "WEBP")
        self.assertLess(sizes[20], sizes[95])

    def test_a_format_that_is_not_written_becomes_a_png_under_a_longer_name(self):
        picture(self.photos / "a.gif")
        picture(self.photos / "b.tif")
        self.run_with()
        self.assert_written("a.gif.png", "b.tif")
        self.assertEqual(self.opened("a.gif.png").format, "PNG")
        self.assertEqual(self.opened("b.tif").format, "TIFF")

    def test_the_original_size_of_a_large_picture(self):
        picture(self.photos / "large.jpg", size=(6000, 4000))  # 72 MB of pixels
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by 90°
        picture(self.photos / "turned.jpg", size=(120, 80), exif=exif)
        self.run_with(
            preprocess__original="true", postprocess__size="original",
            preprocess__orientation="apply")
        self.assert_written("large.jpg", "turned.jpg")
        large = self.opened("large.jpg")
        self.assertEqual(large.size, (6000, 4000))
        self.assertGreater(large.getpixel((1000, 2000))[0], 150)
        self.assertLess(max(large.getpixel((5000, 2000))), 40)
        turned = self.opened("turned.jpg")
        self.assertEqual(turned.size, (80, 120))
        # Its left half is its upper one now.
        self.assertGreater(turned.getpixel((40, 20))[0], 150)
        self.assertLess(max(turned.getpixel((40, 110))), 40)

    def test_an_orientation_that_is_kept_is_counted(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        picture(self.photos / "turned.jpg", exif=exif)
        self.run_with()
        self.assertEqual(self.report()["warnings"], {"orientation-ignored": 1})

    def test_what_is_not_turned_is_counted_wherever_it_is_said(self):
        for name in ("avif/turned-3.avif", "avif/rgb-420-8.avif", "pictures/turn-raw-packed-6.png",
                     "pictures/turn-xmp-attribute-6.jpg"):
            shutil.copy(GOLDEN / name, self.photos)
        sets = {"preprocess__original": "true", "postprocess__size": "original",
                "postprocess__format": "png"}
        self.run_with(**sets)
        self.assertEqual(self.report()["warnings"], {"orientation-ignored": 3})
        self.assertEqual(self.opened("turned-3.avif.png").size, (67, 49))
        self.run_with(preprocess__orientation="apply", **sets)
        self.assertEqual(self.report()["warnings"], {})
        self.assertEqual(self.opened("turned-3.avif.png").size, (49, 67))
        self.assertEqual(self.opened("turn-raw-packed-6.png.png").size, (28, 40))
        self.assertEqual(self.opened("turn-xmp-attribute-6.jpg.png").size, (28, 40))

    def test_areas_count_every_pixel_once(self):
        picture(self.photos / "a.png")
        (self.photos / "b.jpg").write_bytes(jpeg(1))
        self.run_with(postprocess__areas="true")
        lines = (self.out / ".millrace/areas.jsonl").read_text().splitlines()
        areas = [json.loads(line) for line in lines]
        self.assertEqual([line["path"] for line in areas], ["a.png", "b.jpg"])
        for line in areas:
            self.assertEqual(sum(line["areas"].values()), 64 * 64)


class Progress(TestCase):
    def test_none_says_nothing_but_the_summary(self):
        picture(self.photos / "a.png")
        run = self.run_demo("--progress", "none")
        self.assertTrue(run.stderr.startswith("1 scanned: 1 ok"), run.stderr)


if __name__ == "__main__":
    main()
