using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Penstock.Gateway.Storage;

/// <summary>
/// Picks the native SQLite: the system's <c>libsqlite3</c> where there is one, because the one in the package is of
/// 2021, and the package's otherwise.
/// </summary>
internal static class SqliteEngine
{
    private static readonly string[] SystemNames = ["libsqlite3.so.0", "libsqlite3.dylib"];
    private static readonly Lazy<string> LoadedVersion = new(Load);

    /// <summary>The version of the native library. The first call loads it.</summary>
    public static string Version => LoadedVersion.Value;

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        Batteries_V2.Init();
        return raw.sqlite3_libversion().utf8_to_string();
    }

    /// <summary>Zero leaves the search to the runtime, which finds the package's library.</summary>
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name == "e_sqlite3")
        {
            foreach (var candidate in SystemNames)
            {
                if (NativeLibrary.TryLoad(candidate, out var handle))
                {
                    return handle;
                }
            }
        }

        return 0;
    }
}
