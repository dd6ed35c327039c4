// Two threads write one variable: what ThreadSanitizer has to report, or a test without reports would show nothing.
#include <cstdio>
#include <thread>

int main() {
  int value = 0;
  std::thread other([&value] { ++value; });
  ++value;
  other.join();
  std::printf("%d\n", value);
}
