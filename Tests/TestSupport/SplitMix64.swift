package import Recurrent

/// The engine's random number generator, for tests that do not import the engine.
package typealias SplitMix64 = Recurrent.SplitMix64
