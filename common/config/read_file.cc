#include "common/config/read_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/config/load.h"
#include "common/config/options.h"

namespace millrace {
namespace {

tl::unexpected<FileProblem> Refuse(ErrorCode code, const std::string& path, std::string what,
                                   std::string cure) {
  return tl::unexpected(FileProblem{
      .code = code, .problem = {.source = path, .what = std::move(what), .cure = std::move(cure)}});
}

std::string MissingCure(const std::filesystem::path& path) {
  constexpr int kMaxNames = 1000;
  std::vector<std::string> names;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (int i = 0; !error && entry != std::filesystem::directory_iterator() && i < kMaxNames; ++i) {
    const std::filesystem::path name = entry->path().filename();
    if (name.extension() == ".yaml" || name.extension() == ".yml") names.push_back(name.string());
    entry.increment(error);
  }
  const std::string nearest = NearestName(path.filename().string(), names);
  if (nearest.empty()) return "name a topology file; config/ holds some";
  return fmt::format("did you mean \"{}\"?",
                     path.has_parent_path() ? (folder / nearest).string() : nearest);
}

}  // namespace

tl::expected<std::string, FileProblem> ReadTopologyFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    return Refuse(missing ? ErrorCode::kNotFound : ErrorCode::kUnreadable, path,
                  fmt::format("cannot be opened: {}", ErrnoText(error)),
                  missing ? MissingCure(path) : "make it readable for this user");
  }
  std::string bytes(kMaxTopologyFile + 1, '\0');
  const std::size_t size = std::fread(bytes.data(), 1, bytes.size(), file.get());
  if (std::ferror(file.get()) != 0) {
    const int error = errno;
    return Refuse(ErrorCode::kUnreadable, path, fmt::format("cannot be read: {}", ErrnoText(error)),
                  "name a file that can be read");
  }
  if (size > kMaxTopologyFile) {
    return Refuse(ErrorCode::kUsage, path, "longer than 1 MiB", "is this a topology file?");
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace millrace
