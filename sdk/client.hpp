// What takes the place of the functions of the SDK's client: each client that is constructed gets
// this library's downloads beside it, and loses them with its last copy.
#ifndef OSS_RESUMABLE_SDK_CLIENT_HPP
#define OSS_RESUMABLE_SDK_CLIENT_HPP

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <strings.h>

#include <alibabacloud/oss/OssClient.h>

#include <oss_resumable/sdk_downloads.hpp>

#include "log.hpp"

// Hidden, so that libraries of one process that contain this code do not mix their versions of it.
#pragma GCC visibility push(hidden)
namespace oss_resumable {
namespace linked {

namespace sdk = ::AlibabaCloud::OSS;
using detail::SdkDownloads;
using Provider = std::shared_ptr<sdk::CredentialsProvider>;

// The SDK's own functions. The constructor is the one that its others call.
struct SdkFunctions {
    void (*construct)(sdk::OssClient *, const std::string &, const Provider &,
                      const sdk::ClientConfiguration &);
    sdk::GetObjectOutcome (*download)(const sdk::OssClient *, const sdk::DownloadObjectRequest &);
    void (*setRegion)(sdk::OssClient *, const std::string &);
    void (*setCloudBoxId)(sdk::OssClient *, const std::string &);
    void (*disable)(sdk::OssClient *);
    void (*enable)(sdk::OssClient *);
    void (*log)(Level, const std::string &);
};

// Defined by the file that includes this one.
const SdkFunctions &sdkFunctions();

// What identifies a client and all its copies. A class derived from the client may read it.
class Identity : public sdk::OssClient {
public:
    static const void *of(const sdk::OssClient &client) {
        return (client.*(&Identity::client_)).get();
    }
};

// The clients that exist, with their downloads, or with null if these are the SDK's. Never
// destroyed: clients in static storage may end after everything else.
class Clients {
public:
    static Clients &instance() {
        static Clients *const clients = new Clients;
        return *clients;
    }

    void add(const void *identity, const std::shared_ptr<SdkDownloads> &downloads) {
        std::lock_guard<std::mutex> lock(mutex_);
        downloads_[identity] = downloads;
    }
    // What is removed is returned, to be destroyed by the caller: not under the lock, because a
    // provider that ends with it may end other clients.
    std::shared_ptr<SdkDownloads> remove(const void *identity) {
        std::shared_ptr<SdkDownloads> removed;
        std::lock_guard<std::mutex> lock(mutex_);
        const auto found = downloads_.find(identity);
        if (found != downloads_.end()) {
            removed.swap(found->second);
            downloads_.erase(found);
        }
        return removed;
    }
    std::shared_ptr<SdkDownloads> of(const sdk::OssClient &client) {
        std::shared_ptr<SdkDownloads> downloads;
        find(client, downloads);
        return downloads;
    }
    // Whether the client is one of them.
    bool find(const sdk::OssClient &client, std::shared_ptr<SdkDownloads> &downloads) {
        std::lock_guard<std::mutex> lock(mutex_);
        const auto found = downloads_.find(Identity::of(client));
        if (found == downloads_.end()) {
            return false;
        }
        downloads = found->second;
        return true;
    }

private:
    std::mutex mutex_;
    std::map<const void *, std::shared_ptr<SdkDownloads>> downloads_;
};

// Takes the place of the program's provider in the SDK's client, and so ends when the last copy
// of that client does.
class WatchingProvider : public sdk::CredentialsProvider {
public:
    explicit WatchingProvider(const Provider &provider) : provider_(provider) {}
    ~WatchingProvider() override {
        if (identity_) {
            Clients::instance().remove(identity_);
        }
    }
    WatchingProvider(const WatchingProvider &) = delete;
    WatchingProvider &operator=(const WatchingProvider &) = delete;

    sdk::Credentials getCredentials() override {
        return provider_ ? provider_->getCredentials() : sdk::Credentials("", "");
    }
    void watch(const void *identity, const std::shared_ptr<SdkDownloads> &downloads) {
        Clients::instance().add(identity, downloads);
        identity_ = identity;
    }

private:
    const Provider provider_;
    const void *identity_ = nullptr;
};

// Destroys a client whose constructor cannot be completed.
class Unfinished {
public:
    explicit Unfinished(sdk::OssClient *client) : client_(client) {}
    ~Unfinished() {
        using Client = sdk::OssClient;
        if (client_) {
            client_->Client::~Client();
        }
    }
    Unfinished(const Unfinished &) = delete;
    Unfinished &operator=(const Unfinished &) = delete;
    void finish() { client_ = nullptr; }

private:
    sdk::OssClient *client_;
};

// Read once: the environment may not be read while another thread changes it.
inline bool isSwitchedOff() {
    static const bool isOff = [] {
        const char *const value = std::getenv("OSS_RESUMABLE_SDK");
        return value && (strcasecmp(value, "off") == 0 || strcasecmp(value, "0") == 0);
    }();
    return isOff;
}

inline void tell(Level level, const sdk::OssClient &client, const std::string &what) {
    char address[32];
    std::snprintf(address, sizeof address, "client(%p) ", Identity::of(client));
    sdkFunctions().log(level, address + what);
}

// Without the versions of libcurl and OpenSSL, which follow it.
inline std::string libraryVersion() {
    const std::string versions = oss_resumable_version();
    return versions.substr(0, versions.find(' '));
}

inline sdk::ClientConfiguration withVersion(sdk::ClientConfiguration configuration) {
    configuration.userAgent += configuration.userAgent.empty() ? "" : " ";
    configuration.userAgent += "oss-resumable/" + libraryVersion();
    return configuration;
}

inline void construct(sdk::OssClient *self, const std::string &endpoint, const Provider &provider,
                      const sdk::ClientConfiguration &configuration) {
    if (isSwitchedOff()) {
        sdkFunctions().construct(self, endpoint, provider, configuration);
        tell(INFO, *self, "downloads by the SDK: OSS_RESUMABLE_SDK turns oss_resumable off");
        return;
    }
    // The program did not ask for this library, so its downloads must not fail because of it.
    const std::string reason = detail::sdkTransportRefusal(configuration);
    std::shared_ptr<SdkDownloads> downloads;
    if (reason.empty()) {
        downloads = std::make_shared<SdkDownloads>(endpoint, provider, withVersion(configuration));
    }
    const auto watching = std::make_shared<WatchingProvider>(provider);
    sdkFunctions().construct(self, endpoint, watching, configuration);
    Unfinished unfinished(self);
    watching->watch(Identity::of(*self), downloads);
    if (reason.empty()) {
        tell(INFO, *self, "downloads by oss_resumable " + libraryVersion());
    } else {
        tell(WARN, *self, "downloads by the SDK: " + reason);
    }
    unfinished.finish();
}

inline Provider fixedProvider(const std::string &id, const std::string &secret,
                              const std::string &token) {
    return std::make_shared<sdk::SimpleCredentialsProvider>(id, secret, token);
}
inline void constructWithKey(sdk::OssClient *self, const std::string &endpoint,
                             const std::string &id, const std::string &secret,
                             const sdk::ClientConfiguration &configuration) {
    construct(self, endpoint, fixedProvider(id, secret, ""), configuration);
}
inline void constructWithToken(sdk::OssClient *self, const std::string &endpoint,
                               const std::string &id, const std::string &secret,
                               const std::string &token,
                               const sdk::ClientConfiguration &configuration) {
    construct(self, endpoint, fixedProvider(id, secret, token), configuration);
}
inline void constructWithCredentials(sdk::OssClient *self, const std::string &endpoint,
                                     const sdk::Credentials &credentials,
                                     const sdk::ClientConfiguration &configuration) {
    construct(self, endpoint, std::make_shared<sdk::SimpleCredentialsProvider>(credentials),
              configuration);
}

inline sdk::GetObjectOutcome download(const sdk::OssClient *self,
                                      const sdk::DownloadObjectRequest &request) {
    std::shared_ptr<SdkDownloads> downloads;
    const bool isKnown = Clients::instance().find(*self, downloads);
    if (downloads) {
        return downloads->download(request);
    }
    if (!isKnown && !isSwitchedOff()) {
        tell(WARN, *self, "downloads by the SDK: oss_resumable did not see its constructor");
    }
    return sdkFunctions().download(self, request);
}

inline void setRegion(sdk::OssClient *self, const std::string &region) {
    sdkFunctions().setRegion(self, region);
    if (const std::shared_ptr<SdkDownloads> downloads = Clients::instance().of(*self)) {
        downloads->setRegion(region);
    }
}
inline void setCloudBoxId(sdk::OssClient *self, const std::string &id) {
    sdkFunctions().setCloudBoxId(self, id);
    if (const std::shared_ptr<SdkDownloads> downloads = Clients::instance().of(*self)) {
        downloads->setCloudBoxId(id);
    }
}
inline void disable(sdk::OssClient *self) {
    sdkFunctions().disable(self);
    if (const std::shared_ptr<SdkDownloads> downloads = Clients::instance().of(*self)) {
        downloads->disable(true);
    }
}
inline void enable(sdk::OssClient *self) {
    sdkFunctions().enable(self);
    if (const std::shared_ptr<SdkDownloads> downloads = Clients::instance().of(*self)) {
        downloads->disable(false);
    }
}

} // namespace linked
} // namespace oss_resumable
#pragma GCC visibility pop

#endif
