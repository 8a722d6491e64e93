import ArgumentParser
import Client
import ModelFiles
import Wire

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a new, untrained model of one of the five patterns.",
        discussion: """
            The weights come from Keras' default initializers, and the model is compiled with Adam, the loss \
            binary_crossentropy and the metric accuracy. Keras 3 loads the file and trains on it. Needs no daemon.

            PATTERN is one of these names or numbers:

              sequence          model1  LSTM
              stateful          model2  LSTM with stateful=True, called with one timestep
              dense-first       model3  TimeDistributed(Dense(24)), then LSTM
              tokens            model4  Embedding of 128 values, then LSTM
              tokens-both-ways  model5  Embedding of 128 values, then Bidirectional(LSTM)

            Each ends in a Dense layer with one sigmoid. Instead of a pattern, --layers-file takes a YAML list of layers \
            with Keras' names and options:

              - Input: {shape: [null, 3]}
              - Bidirectional: {layer: {LSTM: {units: 8}}}
              - Dense: {units: 1, activation: sigmoid}

            Examples:

              sluice init model1 --features 3 --units 12,8 -o new.keras
              sluice init tokens --vocabulary 5 --length 20 -o new.keras
              sluice init --layers-file model.yaml -o new.keras
            """)

    @Argument(help: "The pattern (default: none, with --layers-file).", completion: .list(ModelPattern.names))
    var pattern: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write, .keras or .safetensors (default: none, so give one).", valueName: "file"),
        completion: .file(extensions: ["keras", "safetensors"]))
    var output: String

    @OptionGroup var recurrent: RecurrentLayerOptions

    @Option(help: ArgumentHelp("The number of features of a timestep (default: 1).", valueName: "features"))
    var features: Int?

    @Option(
        help: ArgumentHelp(
            "The number of different tokens, including the token 0: the letters ACGT need 5 (default: none, so give one "
                + "for tokens).", valueName: "tokens"))
    var vocabulary: Int?

    @Option(
        help: ArgumentHelp(
            "The number of timesteps in a call (default: any number, but 1 for stateful).", valueName: "timesteps"))
    var length: Int?

    @Option(
        help: ArgumentHelp("The YAML file that describes the layers (default: none).", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var layersFile: String?

    @Option(help: ArgumentHelp("The seed of the weights: equal seeds give equal files.", valueName: "seed"))
    var seed: UInt64 = 0

    @Flag(help: "Replace an existing file.")
    var force = false

    @OptionGroup var permissions: FileModeOptions

    func validate() throws {
        guard ModelDocument.isEnding(of: output) else {
            throw ValidationError("'\(output)' does not end in .keras or .safetensors")
        }
        guard let pattern else { return try validateLayersFile() }
        guard layersFile == nil else { throw ValidationError("give a pattern or --layers-file, not both") }
        let known = try ModelPattern.parse(pattern)
        if known.takesTokens {
            if features != nil { throw ValidationError("the pattern \(pattern) takes --vocabulary, not --features") }
            guard let vocabulary else {
                throw ValidationError(
                    "the pattern \(pattern) needs --vocabulary, the number of different tokens; letters ACGT need 5")
            }
            try check(vocabulary, "--vocabulary", in: 1...1 << 20)
        } else if vocabulary != nil {
            throw ValidationError("the pattern \(pattern) takes --features, not --vocabulary")
        }
        try check(features ?? 1, "--features", in: 1...1 << 16)
        try check(length ?? 1, "--length", in: 1...1 << 30)
    }

    private func validateLayersFile() throws {
        guard layersFile != nil else { throw ValidationError("give a pattern or --layers-file") }
        guard recurrent.units == nil, recurrent.layers == nil, features == nil, vocabulary == nil, length == nil else {
            throw ValidationError("the file of --layers-file states the sizes; give only it, -o, --seed and --force")
        }
    }

    func run() throws {
        let (size, document) = try write()
        var standard = StandardStream.output
        try standard.writeLine(
            "wrote \(output), \(Quantity.bytes(size)): \(Quantity.count(document.file.model.parameters, of: "weight")); "
                + "see them with 'sluice inspect \(output)'")
    }

    private func write() throws(ClientError) -> (Int, ModelDocument) {
        do {
            try ModelDocument.checkOutput(output, replacing: force)
            let document = try ModelDocument.initial(model(), seed: seed, source: layersFile ?? output)
            return (try document.write(to: output, replacing: force, mode: permissions.bits), document)
        } catch {
            throw ClientError(error)
        }
    }

    private func model() throws(ModelFileError) -> InitialModel {
        guard let pattern = pattern.flatMap(ModelPattern.init(name:)) else {
            return try LayersFile.read(layersFile ?? "")
        }
        var sizes = PatternSizes()
        recurrent.apply(to: &sizes)
        sizes.features = features ?? sizes.features
        sizes.vocabulary = vocabulary ?? sizes.vocabulary
        sizes.length = length
        return InitialModel(pattern, sizes)
    }
}
