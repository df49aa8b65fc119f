// What is wrong with a configuration, where, and what to do about it.
#pragma once

#include <string>
#include <vector>

namespace millrace {

struct Problem {
  std::string source;  // the file's path, or "--set x.y=1" for a value of the command line
  int line = 0;        // from 1; 0 where the problem is no place in a file
  int column = 0;      // in bytes, from 1; 0 likewise
  std::string path;    // inference.options.weights, or stages[2].name; "" for the whole file
  std::string what;    // what is wrong
  std::string cure;    // what to do, with the nearest valid name where there is one

  // "face.yaml:12:5: inference.options.wieghts: unknown key; did you mean \"weights\"?"
  [[nodiscard]] std::string Text() const;
};

// One problem a line, without a newline at the end.
std::string ProblemsText(const std::vector<Problem>& problems);

}  // namespace millrace
