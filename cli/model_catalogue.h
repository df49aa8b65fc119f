// The published model files that `millrace model fetch` knows: the one place of their addresses and
// hashes.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace millrace::cli {

struct PublishedModel {
  std::string_view name;                   // what options.model calls it
  std::string_view file;                   // the name it is stored under
  std::string_view sha256;                 // lower-case hexadecimal
  std::span<const std::string_view> urls;  // tried in this order
  std::string_view terms;                  // what a user must know before using it
};

inline constexpr std::array<std::string_view, 1> kBisenetFaceUrls = {
    "https://github.com/clibdev/face-parsing.PyTorch/releases/latest/download/"
    "face-parsing-bisenet.pth",
};

inline constexpr std::array kPublishedModels = {
    // BiSeNet, 19 classes, 512×512, of zllrunning's face-parsing.PyTorch; a state dict in the
    // pickle
    // format from before PyTorch 1.6, 53 MB.
    PublishedModel{
        .name = "bisenet-face",
        .file = "79999_iter.pth",
        .sha256 = "468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
        .urls = kBisenetFaceUrls,
        .terms = "code under the MIT licence; trained on CelebAMask-HQ, which is for "
                 "non-commercial research",
    },
};

}  // namespace millrace::cli
