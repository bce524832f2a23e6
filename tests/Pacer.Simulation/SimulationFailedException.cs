namespace Pacer.Simulation;

/// <summary>Something that must always be true was not.</summary>
internal sealed class SimulationFailedException(string message) : Exception(message);
