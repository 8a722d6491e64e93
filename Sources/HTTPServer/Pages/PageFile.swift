package import NIOCore

/// A file of the live pages. The files in the folder `Page` are built into the program, so none is read at run time.
package enum PageFile: String, CaseIterable, Sendable {
    case daemon = "index.html"
    case training = "training.html"
    case style = "page.css"
    case clusterScript = "cluster.js"
    case connectionScript = "connection.js"
    case controlScript = "control.js"
    case daemonScript = "daemon.js"
    case elementsScript = "elements.js"
    case formatScript = "format.js"
    case historiesScript = "histories.js"
    case modelsScript = "models.js"
    case overviewScript = "overview.js"
    case plotScript = "plot.js"
    case recorderScript = "recorder.js"
    case rowScript = "row.js"
    case streamScript = "stream.js"
    case streamsScript = "streams.js"
    case trainingScript = "training.js"
    case zoomplotScript = "zoomplot.js"

    /// Whether the file is a page, not a part of one.
    var isDocument: Bool { self == .daemon || self == .training }

    /// The media type.
    var type: String {
        switch self {
        case .daemon, .training: "text/html; charset=utf-8"
        case .style: "text/css; charset=utf-8"
        default: "text/javascript; charset=utf-8"
        }
    }

    /// The content.
    package var content: ByteBuffer { ByteBuffer(bytes: bytes) }

    private var bytes: [UInt8] {
        switch self {
        case .daemon: PackageResources.index_html
        case .training: PackageResources.training_html
        case .style: PackageResources.page_css
        case .clusterScript: PackageResources.cluster_js
        case .connectionScript: PackageResources.connection_js
        case .controlScript: PackageResources.control_js
        case .daemonScript: PackageResources.daemon_js
        case .elementsScript: PackageResources.elements_js
        case .formatScript: PackageResources.format_js
        case .historiesScript: PackageResources.histories_js
        case .modelsScript: PackageResources.models_js
        case .overviewScript: PackageResources.overview_js
        case .plotScript: PackageResources.plot_js
        case .recorderScript: PackageResources.recorder_js
        case .rowScript: PackageResources.row_js
        case .streamScript: PackageResources.stream_js
        case .streamsScript: PackageResources.streams_js
        case .trainingScript: PackageResources.training_js
        case .zoomplotScript: PackageResources.zoomplot_js
        }
    }
}
