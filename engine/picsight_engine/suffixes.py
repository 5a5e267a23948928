"""The suffixes of pictures."""

# Raw files of cameras.
RAW_SUFFIXES = frozenset([
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
])  # fmt: skip
# Suffixes of the decoded formats, by format.
FORMATS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "png": (".png", ".apng"),
    "heic": (".heic", ".heics", ".heif", ".heifs", ".hif"),
    "webp": (".webp",),
    "avif": (".avif", ".avifs"),
    "gif": (".gif",),
    "tiff": (".tif", ".tiff"),
    "bmp": (".bmp", ".dib"),
    "raw": tuple(sorted(RAW_SUFFIXES)),
    "jxl": (".jxl",),
    "jpeg2000": (".jp2", ".j2k", ".j2c", ".jpx", ".jpf"),
    "psd": (".psd", ".psb"),
    "ico": (".ico",),
    "pcx": (".pcx",),
    "ppm": (".ppm", ".pgm", ".pbm", ".pnm"),
    "tga": (".tga",),
    "qoi": (".qoi",),
}
