#include "cli/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

namespace millrace::cli {

Result<std::string> Sha256OfFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    const int error = errno;
    return Fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
                fmt::format("cannot open {}: {}", path, ErrnoText(error)));
  }
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free);
  bool sound = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<unsigned char> chunk(1 << 20);
  std::size_t got = 0;
  while (sound && (got = std::fread(chunk.data(), 1, chunk.size(), file.get())) > 0) {
    sound = EVP_DigestUpdate(context.get(), chunk.data(), got) == 1;
  }
  if (std::ferror(file.get()) != 0) {
    return Fail(ErrorCode::kUnreadable, fmt::format("cannot read {}", path));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (!sound || EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) {
    return Fail(ErrorCode::kInternal, "libcrypto refuses to compute SHA-256");
  }
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace millrace::cli
