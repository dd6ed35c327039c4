"""The manual page and the completions of shells: every option that --help lists is in each, and the shells understand them."""

import re
import shutil
import subprocess
import unittest

from support import CommandTest

KINDS = ["bash", "zsh", "fish", "man"]


class Completion(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pages = {kind: cls.start("completion", kind).out for kind in KINDS}
        top = cls.start("--help").out
        cls.commands = re.findall(r"^  ([a-z]+) {2,}", top[top.index("Commands:"):top.index("Examples:")], re.M)
        cls.options = {}
        for command in cls.commands:
            lines = re.findall(r"^  ((?:-[\w-]+,?)+)", cls.start(command, "--help").out, re.M)
            cls.options[command] = [name for line in lines for name in line.split(",") if name.startswith("--")]

    def test_help_was_understood(self):
        self.assertGreaterEqual(len(self.commands), 12)
        self.assertIn("--segment-size", self.options["run"])
        self.assertGreater(sum(map(len, self.options.values())), 80)

    def test_every_option_is_in_each(self):
        manual = self.pages["man"].replace("\\-", "-")
        for command, options in self.options.items():
            with self.subTest(command):
                self.assertIn(f'.SS "giemsa {command}"', manual)
                part = manual[manual.index(f'.SS "giemsa {command}"'):]
                part = part[:part.index(".S", 5)]
                bash = re.search(rf"^    {command}\)\n.*?^      options='(.*?)' ;;", self.pages["bash"], re.M | re.S)[1].split()
                zsh = re.search(rf"^    {command}\)\n.*? ;;$", self.pages["zsh"], re.M | re.S)[0]
                for option in options:
                    self.assertIn(f"\\fB{option}\\fR", part)
                    self.assertIn(option, bash)
                    self.assertIn(f"'{option}[", zsh)
                    self.assertRegex(self.pages["fish"], rf"seen_subcommand_from {command}'.* -l {option[2:]}\b")

    def test_what_is_hidden_stays_hidden(self):
        listed = {option for options in self.options.values() for option in options} | {"--help", "--version"}
        for kind in ("bash", "zsh"):
            offered = set(re.findall(r"(?<=[\s'|])--[a-z][\w-]*(?=[\s'|)\[])", self.pages[kind]))
            self.assertEqual(offered - listed, set())

    def complete(self, *words):
        """What bash offers for the last of `words`."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _giemsa; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        file = self.write("completion.bash", self.pages["bash"].encode())
        done = subprocess.run(["bash", "-c", script, "bash", file, *words], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_offers_commands_options_and_values(self):
        self.assertEqual(self.complete("giemsa", "sel"), ["selftest"])
        self.assertEqual(set(self.complete("giemsa", "")) - {"--help", "-h", "--version"}, set(self.commands))
        self.assertEqual(self.complete("giemsa", "run", "--seg"), ["--segmenter", "--segment-size"])
        self.assertEqual(self.complete("giemsa", "run", "--device", "c"), ["cpu", "cuda"])
        self.assertEqual(self.complete("giemsa", "run", "--precision", "fp"), ["fp32", "fp16"])
        self.assertEqual(self.complete("giemsa", "run", "--threads", ""), [])
        self.assertEqual(self.complete("giemsa", "run", "--out", ""), [])
        self.assertEqual(self.complete("giemsa", "run", "a.png", ""), [])  # files are bash's own default
        self.assertEqual(self.complete("giemsa", "devices", "--"), ["--help", "--json"])

    def test_the_manual_page_is_roff(self):
        if not shutil.which("man"):
            self.skipTest("no man")
        file = self.write("giemsa.1", self.pages["man"].encode())
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", file], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text = re.sub(r".\x08", "", done.stdout)
        self.assertIn("giemsa - Finds and names the white blood cells", text)
        self.assertIn("--min-probability P", text)
        self.assertIn("giemsa run smear.png", text)

    def check_syntax(self, shell, option):
        if not shutil.which(shell):
            self.skipTest(f"no {shell}")
        file = self.write(f"completion.{shell}", self.pages[shell].encode())
        done = subprocess.run([shell, option, file], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_zsh_understands_its_own(self):
        self.check_syntax("zsh", "-n")

    def test_fish_understands_its_own(self):
        self.check_syntax("fish", "--no-execute")

    def test_mistakes(self):
        self.refused("completion", code=2, says="KIND")
        self.refused("completion", "tcsh", code=2, says="bash, zsh, fish, man")


if __name__ == "__main__":
    unittest.main()
