#include "common/base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

namespace millrace {
namespace {

class Digest {
 public:
  Digest() : sound_(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1) {}

  void Add(std::span<const std::byte> bytes) {
    sound_ = sound_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  Result<std::string> Finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (!sound_ || EVP_DigestFinal_ex(context_.get(), digest.data(), &size) != 1) {
      return Fail(ErrorCode::kInternal, "libcrypto refuses to compute SHA-256");
    }
    return std::string(digest.begin(), digest.begin() + size);
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  bool sound_;
};

}  // namespace

Result<std::string> Sha256(std::span<const std::byte> bytes) {
  Digest digest;
  digest.Add(bytes);
  return digest.Finish();
}

Result<std::string> Sha256(std::string_view bytes) {
  return Sha256(std::as_bytes(std::span(bytes)));
}

Result<std::string> Sha256OfFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    const int error = errno;
    return Fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnreadable,
                "cannot open " + path + ": " + ErrnoText(error));
  }
  Digest digest;
  std::vector<std::byte> chunk(1 << 20);
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    digest.Add(std::span(chunk).first(got));
  }
  if (std::ferror(file.get()) != 0) return Fail(ErrorCode::kUnreadable, "cannot read " + path);
  ASSIGN_OR_RETURN(const std::string bytes, digest.Finish());
  return Hex(bytes);
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace millrace
