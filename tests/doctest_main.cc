#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <csignal>

int main(int argc, char** argv) {
  // nohup, and a shell that starts this in the background, leave them ignored.
  for (const int number : {SIGHUP, SIGINT}) std::signal(number, SIG_DFL);
  return doctest::Context(argc, argv).run();
}
