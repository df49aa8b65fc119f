// What a bare loop costs: files read and given to cv::imdecode on threads of their own, nothing
// else.
//
//   opencv_decode THREADS FOLDER       prints {"files": n, "broken": n, "elapsed_s": x}
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

bool Decodes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code unreadable;
  std::vector<char> bytes(std::filesystem::file_size(path, unreadable));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return !bytes.empty() && !cv::imdecode(bytes, cv::IMREAD_COLOR).empty();
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 3 ? std::atoi(argv[1]) : 0;
  if (count < 1) {
    std::cerr << "usage: opencv_decode THREADS FOLDER\n";
    return 2;
  }
  cv::setNumThreads(1);
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[2])) {
    if (entry.is_regular_file()) paths.push_back(entry.path().string());
  }
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> broken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < paths.size(); at = next++) {
        if (!Decodes(paths[at])) ++broken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun;
  std::cout << R"({"files": )" << paths.size() << R"(, "broken": )" << broken
            << R"(, "elapsed_s": )" << elapsed.count() << "}\n";
}
