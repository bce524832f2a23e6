using Pacer.Contracts.Wire;

namespace Pacer.Server.Api.Json;

/// <summary>Gathers what is wrong, one entry a place, in the order found; the same text at the same place counts once.</summary>
internal sealed class ErrorCollector
{
    private readonly Dictionary<string, ErrorDetail> _byPath = new(StringComparer.Ordinal);
    private readonly List<ErrorDetail> _details = [];

    public int Count => _details.Count;

    public IReadOnlyList<ErrorDetail> Details => _details;

    /// <param name="message">What to do about it, where <paramref name="error"/> is a bare code.</param>
    public void Add(string path, string error, string? message = null)
    {
        if (!_byPath.TryGetValue(path, out var detail))
        {
            detail = new ErrorDetail { Path = path, Errors = [], Message = message };
            _byPath.Add(path, detail);
            _details.Add(detail);
        }
        if (!detail.Errors!.Contains(error))
        {
            detail.Errors.Add(error);
        }
    }

    /// <summary>Adds the error unless <paramref name="holds"/>.</summary>
    public void Require(bool holds, string path, string error)
    {
        if (!holds)
        {
            Add(path, error);
        }
    }
}
