// A local-oss for one test, on a free port, and a directory to download into.
#ifndef TESTS_LOCAL_OSS_HPP
#define TESTS_LOCAL_OSS_HPP

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace tests {

// A server process; the destructor stops it.
class LocalOss {
public:
    // `arguments` as on local-oss's command line; `--log` lines go to `log` unless it is empty.
    explicit LocalOss(const std::vector<std::string> &arguments = {}, const std::string &log = "") {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe");
        }
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
        if (!log.empty()) {
            posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log.c_str(),
                                             O_WRONLY | O_CREAT | O_TRUNC, 0644);
        }
        pid_ = spawn(arguments, &files);
        posix_spawn_file_actions_destroy(&files);
        close(ends[1]);
        const std::string line = firstLine(ends[0]);
        close(ends[0]);
        const std::string prefix = "listening on ";
        if (line.compare(0, prefix.size(), prefix) != 0) {
            stop();
            throw std::runtime_error("local-oss did not start: " + line);
        }
        endpoint_ = line.substr(prefix.size());
    }
    ~LocalOss() { stop(); }
    LocalOss(const LocalOss &) = delete;
    LocalOss &operator=(const LocalOss &) = delete;

    const std::string &endpoint() const { return endpoint_; }

    // Whether `file` contains the bytes that the server generates for generated/<size>.
    static bool isGenerated(const std::string &file, const std::string &size) {
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        const pid_t pid = spawn({"pattern", "--size", size, "--verify", file}, &files);
        posix_spawn_file_actions_destroy(&files);
        int status = -1;
        waitpid(pid, &status, 0);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

private:
    static pid_t spawn(const std::vector<std::string> &arguments,
                       const posix_spawn_file_actions_t *files) {
        std::vector<std::string> words{LOCAL_OSS};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char *> argv;
        for (std::string &word : words) {
            argv.push_back(&word[0]);
        }
        argv.push_back(nullptr);
        pid_t pid = -1;
        if (posix_spawn(&pid, LOCAL_OSS, files, nullptr, argv.data(), environ) != 0) {
            throw std::runtime_error("cannot start " LOCAL_OSS);
        }
        return pid;
    }
    static std::string firstLine(int fd) {
        std::string line;
        char byte = 0;
        while (read(fd, &byte, 1) == 1 && byte != '\n') {
            line += byte;
        }
        return line;
    }
    void stop() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }

    pid_t pid_ = -1;
    std::string endpoint_;
};

// A directory that is removed with its contents.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        const char *parent = getenv("TMPDIR");
        path_ = std::string(parent ? parent : "/tmp") + "/oss-resumable-test-XXXXXX";
        if (mkdtemp(&path_[0]) == nullptr) {
            throw std::runtime_error("mkdtemp");
        }
    }
    ~TemporaryDirectory() {
        for (const std::string &name : names()) {
            unlink((path_ + "/" + name).c_str());
        }
        rmdir(path_.c_str());
    }
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

    std::string path(const std::string &name) const { return path_ + "/" + name; }
    const std::string &path() const { return path_; }
    std::vector<std::string> names() const {
        std::vector<std::string> names;
        DIR *directory = opendir(path_.c_str());
        while (const dirent *entry = directory ? readdir(directory) : nullptr) {
            const std::string name = entry->d_name;
            if (name != "." && name != "..") {
                names.push_back(name);
            }
        }
        if (directory) {
            closedir(directory);
        }
        return names;
    }

private:
    std::string path_;
};

inline std::string readFile(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

} // namespace tests

#endif
