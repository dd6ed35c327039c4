"""That every kind of change to the ABI is noticed, and that a comment is none."""

import sys
import unittest

import check_abi

CHANGES = {
    "a function goes": ("GIEMSA_API void giemsa_session_cancel(giemsa_session* session);", ""),
    "a function comes": ("GIEMSA_API const char* giemsa_last_message(void);",
                         "GIEMSA_API const char* giemsa_last_message(void);\nGIEMSA_API int giemsa_new(void);"),
    "a parameter changes its type": ("uint32_t width, uint32_t height);", "uint64_t width, uint32_t height);"),
    "a parameter comes": ("uint32_t width, uint32_t height);", "uint32_t width, uint32_t height, uint32_t cells);"),
    "a result changes its type": ("GIEMSA_API uint32_t giemsa_version_number(void);",
                                  "GIEMSA_API uint64_t giemsa_version_number(void);"),
    "a member comes between others": ("  int64_t area;", "  int64_t perimeter;\n  int64_t area;"),
    "a member comes at the end": ("  uint64_t compiled_sizes; ", "  uint64_t added, compiled_sizes; "),
    "a member changes its type": ("  double centroid_x, centroid_y;", "  float centroid_x, centroid_y;"),
    "two members swap": ("  double segment, postprocess, classify;", "  double postprocess, segment, classify;"),
    "a status changes its value": ("GIEMSA_E_MODEL = -3", "GIEMSA_E_MODEL = -33"),
    "a format comes": ("GIEMSA_GREY16 = 7", "GIEMSA_GREY16 = 7,\n  GIEMSA_GREY32 = 8"),
}


@unittest.skipIf(check_abi.missing_tools(), "no abigail-tools")
class Changes(unittest.TestCase):
    def setUp(self):
        self.header = check_abi.HEADER.read_text()

    def test_each_is_noticed(self):
        for what, (before, after) in CHANGES.items():
            with self.subTest(what):
                self.assertEqual(self.header.count(before), 1, before)
                self.assertNotEqual(check_abi.differences(self.header.replace(before, after)), "")

    def test_comments_and_macros_are_none(self):
        same = self.header.replace("/* NULL is fine */", "/* NULL is quite all right */")
        self.assertNotEqual(same, self.header)
        self.assertEqual(check_abi.differences(same), "")

    def test_every_function_is_seen(self):
        self.assertEqual(len(check_abi.functions_of(self.header)), self.header.count("\nGIEMSA_API "))


if __name__ == "__main__":
    sys.exit(unittest.main())
