#include "stages/scanner/input_tree.h"

#include <cerrno>
#include <cstdlib>
#include <memory>

namespace millrace {
namespace {

// The rest of `path` behind `folder` and a slash, "" for the folder itself.
std::optional<std::string_view> Within(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder)) return std::nullopt;
  path.remove_prefix(folder.size());
  if (path.empty()) return path;
  if (folder.ends_with('/')) return path;  // the root folder
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

}  // namespace

Result<InputTree> InputTree::Open(const RunInfo& run) {
  InputTree tree;
  tree.input_ = run.input;
  while (tree.input_.size() > 1 && tree.input_.ends_with('/')) tree.input_.pop_back();
  const auto real_input = RealPath(tree.input_);
  if (!real_input) {
    return Fail(ErrorCode::kUnreadable,
                "cannot read the input folder " + tree.input_ + ": " + ErrnoText(errno));
  }
  tree.real_input_ = *real_input;
  tree.output_ = run.output;
  return tree;
}

std::string InputTree::FullPath(std::string_view key) const {
  std::string path = input_;
  if (key.empty()) return path;
  if (!path.ends_with('/')) path += '/';
  path += key;
  return path;
}

InputTree::Place InputTree::PlaceOf(std::string_view real_path) const {
  // Resolved each time: what does not exist yet has no real path, and a link can only lead to what
  // exists.
  const auto real_output = output_.empty() ? std::nullopt : RealPath(output_);
  if (real_output && Within(real_path, *real_output)) return Place::kOutput;
  return Within(real_path, real_input_) ? Place::kInside : Place::kOutside;
}

bool InputTree::IsOutput(const DirectoryId& directory) const {
  struct stat status {};
  return !output_.empty() && stat(output_.c_str(), &status) == 0 &&
         DirectoryId::Of(status) == directory;
}

std::optional<std::string> InputTree::KeyOf(std::string_view real_path) const {
  const auto rest = Within(real_path, real_input_);
  return rest ? std::optional<std::string>(*rest) : std::nullopt;
}

std::optional<std::string> RealPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) return std::nullopt;
  return std::string(real.get());
}

bool IsStateDirectory(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return (slash == std::string_view::npos ? key : key.substr(slash + 1)) == ".millrace";
}

}  // namespace millrace
