package import NIOCore
import NIOHTTP1

/// The pages of a server, by path, and the hosts for which it answers.
package struct HTTPSite: Sendable {
    /// The pages.
    private let pages: [HTTPPage]
    /// The host names that clients may use, in addition to `localhost` and addresses.
    private let hosts: [String]
    /// Describes the remedy for a host name that is not accepted.
    private let hostRemedy: @Sendable (String) -> String

    /// Creates a site.
    ///
    /// - Parameters:
    ///   - pages: The pages.
    ///   - hosts: The host names that clients may use, in addition to `localhost` and addresses.
    ///   - hostRemedy: Returns the line that refuses a host name.
    package init(_ pages: [HTTPPage], hosts: [String], hostRemedy: @escaping @Sendable (String) -> String) {
        self.pages = pages
        self.hosts = hosts
        self.hostRemedy = hostRemedy
    }

    /// Returns the answer that refuses a host; nil if the server answers for the host.
    func refusal(of host: HTTPHost) -> HTTPAnswer? {
        host.isAccepted(besides: hosts) ? nil : .line(.misdirectedRequest, hostRemedy(host.name))
    }

    /// Returns the maximum size of the body of a request, in bytes; 0 if the page accepts none.
    func maximumBody(of head: HTTPRequestHead) -> Int {
        let path = HTTPRequest.split(head.uri).path
        return pages.first { $0.path == path && $0.methods.contains(head.method) }?.maximumBody ?? 0
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - loop: The event loop of the returned future.
    /// - Returns: The page, or an error that names the available pages or methods.
    func answer(_ request: HTTPRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        guard let page = pages.first(where: { $0.path == request.path }) else {
            let known = pages.map(\.path).filter { !$0.contains(".") }.joined(separator: ", ")
            return loop.makeSucceededFuture(.line(.notFound, "there is no such page; the pages are \(known)"))
        }
        guard page.methods.contains(request.head.method) else {
            let allowed = page.methods.map(\.rawValue).joined(separator: ", ")
            return loop.makeSucceededFuture(
                .line(.methodNotAllowed, "this page allows only \(allowed)", ["Allow": allowed]))
        }
        guard !page.isForOwnPages || request.isSameOrigin else {
            return loop.makeSucceededFuture(.line(.forbidden, "only this server's own page may ask for this"))
        }
        return page.answer(request, loop)
    }
}

/// A page of a site.
package struct HTTPPage: Sendable {
    /// Answers a request. The future belongs to the event loop.
    package typealias Answer = @Sendable (HTTPRequest, any EventLoop) -> EventLoopFuture<HTTPAnswer>

    let path: String
    let methods: [HTTPMethod]
    /// The maximum size of a request's body, in bytes; 0 if the page accepts none.
    let maximumBody: Int
    /// Whether to refuse requests from pages of other sites. Even if they are accepted, a browser hides the answers
    /// from such pages.
    let isForOwnPages: Bool
    let answer: Answer

    private init(
        _ path: String, _ methods: [HTTPMethod], maximumBody: Int = 0, isForOwnPages: Bool, _ answer: @escaping Answer
    ) {
        self.path = path
        self.methods = methods
        self.maximumBody = maximumBody
        self.isForOwnPages = isForOwnPages
        self.answer = answer
    }

    /// A page that anyone may read.
    package static func page(_ path: String, _ answer: @escaping Answer) -> HTTPPage {
        HTTPPage(path, [.GET, .HEAD], isForOwnPages: false, answer)
    }

    /// The files of a live page: the page itself at `/`, and the scripts and styles of all live pages.
    ///
    /// - Parameter home: The page at `/`.
    /// - Returns: One page for each file.
    package static func files(home: PageFile) -> [HTTPPage] {
        let parts = PageFile.allCases.filter { !$0.isDocument }
        return [file("/", home)] + parts.map { file("/\($0.rawValue)", $0) }
    }

    private static func file(_ path: String, _ file: PageFile) -> HTTPPage {
        let content = file.content
        return page(path) { _, loop in loop.makeSucceededFuture(HTTPAnswer(.ok, type: file.type, content)) }
    }

    /// Data for the pages of this site.
    package static func data(_ path: String, _ answer: @escaping Answer) -> HTTPPage {
        HTTPPage(path, [.GET], isForOwnPages: true, answer)
    }

    /// An action that the pages of this site ask for, with the parameters in the request's body.
    ///
    /// - Parameters:
    ///   - path: The path of the page.
    ///   - maximumBody: The maximum size of a request's body, in bytes.
    ///   - answer: Answers a request.
    /// - Returns: The page.
    package static func action(_ path: String, maximumBody: Int, _ answer: @escaping Answer) -> HTTPPage {
        HTTPPage(path, [.POST], maximumBody: maximumBody, isForOwnPages: true, answer)
    }
}
